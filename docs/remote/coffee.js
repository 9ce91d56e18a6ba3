// A remote skill in JavaScript: `npm install mqtt`, then `node coffee.js [HOST [PORT]]`.
// Try it: "make me a coffee", "a tea please" after the question.
const mqtt = require("mqtt");

const REGISTER = "earshot/skill/coffee-js/register";
const SKILL = {
  intents: { BrewCoffee: ["(make|brew) [me] [a] {drink}", "(make|brew) me something [hot] to drink"] },
  lists: { drink: ["coffee", "tea"] },
};

const [host = "127.0.0.1", port = "1883"] = process.argv.slice(2);
const will = { topic: REGISTER, payload: Buffer.alloc(0), qos: 1, retain: true }; // dies with its sentences
const client = mqtt.connect(`mqtt://${host}:${port}`, { will });

client.on("connect", () => {
  client.subscribe("hermes/intent/BrewCoffee", { qos: 1 });
  client.publish(REGISTER, JSON.stringify(SKILL), { qos: 1, retain: true });
  console.log("ready");
});

client.on("message", (_topic, payload) => {
  const { sessionId, slots } = JSON.parse(payload);
  const drink = slots.find((slot) => slot.slotName === "drink");
  if (drink) {
    reply("endSession", { sessionId, text: `Your ${drink.value.value} is on its way.` });
  } else {
    reply("continueSession", { sessionId, text: "Coffee or tea?", intentFilter: ["BrewCoffee"], slot: "drink" });
  }
});

function reply(what, fields) {
  client.publish(`hermes/dialogueManager/${what}`, JSON.stringify(fields), { qos: 1 });
}
