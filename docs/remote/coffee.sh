#!/bin/sh
# A remote skill in shell: needs mosquitto-clients; `sh coffee.sh [HOST [PORT]]`. Try it: "make me a coffee".
set -eu
host=${1:-127.0.0.1} port=${2:-1883}
register=earshot/skill/coffee-sh/register
skill='{"intents": {"BrewCoffee": ["(make|brew) [me] [a] {drink}"]}, "lists": {"drink": ["coffee", "tea"]}}'

publish() { mosquitto_pub -h "$host" -p "$port" -q 1 "$@"; }
field() { printf '%s' "$1" | sed -n "s/.*\"$2\": *\"\([^\"]*\)\".*/\1/p"; }  # ids and list values hold no quotes

publish -t "$register" -r -m "$skill"
echo ready
mosquitto_sub -h "$host" -p "$port" -q 1 -t hermes/intent/BrewCoffee --will-topic "$register" --will-retain --will-qos 1 |
  while read -r intent; do
    text="Your $(field "$intent" rawValue) is on its way."
    publish -t hermes/dialogueManager/endSession -m "{\"sessionId\": \"$(field "$intent" sessionId)\", \"text\": \"$text\"}"
  done
