"""Say whether what you tell sounds happy or sad.

The score is VADER's compound, -1 to 1 (Hutto and Gilbert 2014, "VADER: a parsimonious rule-based model for sentiment
analysis of social media text", ICWSM), of what the open recogniser heard. Needs the extra `sentiment`.
"""

from importlib.util import find_spec

from voice.skill import Ask, Context, Reply, Skill

TOPIC = "home/sentiment"
CLEAR = 0.05
"""From this score on VADER's authors call a text positive; below its negative, negative."""
VERY = 0.6

skill = Skill("sentiment", publishes=[TOPIC], description="Says whether what you tell sounds happy or sad.")


@skill.intent(
    "Sentiment",
    "(how do i sound|how am i feeling|how do i feel|how is my mood|what is my mood) [today|to you]",
    "(analyze|check|judge|rate|measure) (my mood|my feelings|the sentiment|my words|what i say)",
    "(listen to|tell me about) my (mood|feelings)",
    "(do i sound|am i) (happy|sad|angry|positive|negative)",
    "(let me tell you|i want to tell you|ask me) (about my day|how my day was|how i feel)",
)
def ask_for_words() -> Reply:
    """Ask for a sentence to judge."""
    if find_spec("vaderSentiment") is None:
        return "I need the package vader sentiment for that. Install Earshot with its extra sentiment."
    return Ask("Go ahead, tell me how it was.", expect=[])


@skill.on_not_recognized
def judge(context: Context) -> str:
    """Say what the words that came as the answer sound like; publish them with their score."""
    if not context.text.strip():
        return "I heard no words."
    score = _score(context.text)
    skill.publish(TOPIC, {"text": context.text, "compound": score, "siteId": context.site})
    if abs(score) < CLEAR:
        return "That sounds neutral to me."
    return f"That sounds {'very ' * (abs(score) >= VERY)}{'positive' if score > 0 else 'negative'} to me."


def _score(text: str) -> float:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # noqa: PLC0415 - an extra

    return float(SentimentIntensityAnalyzer().polarity_scores(text)["compound"])


skill.example("how do i sound", ...)
skill.example("how does the piano sound", None)
