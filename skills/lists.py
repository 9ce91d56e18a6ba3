"""A shopping list and a to-do list.

What is bought every week can be said in one go; anything else is dictated, and can be said in one go from then on.
"""

from typing import Annotated, Literal

from voice.skill import Ask, Context, Range, Reply, Skill

GROCERIES = """
apples, apple juice, apricots, asparagus, avocados, baby food, bacon, bagels, baking powder, bananas, basil, batteries,
beans, beef, beer, berries, biscuits, blueberries, bread, broccoli, butter, cabbage, candles, carrots, cat food,
cauliflower, celery, cereal, cheese, cherries, chicken, chips, chocolate, cinnamon, coffee, coffee filters, cookies,
corn, crackers, cream, cream cheese, cucumber, cucumbers, dish soap, dog food, eggs, fish, flour, flowers, frozen pizza,
garbage bags, garlic, ginger, grapes, ground beef, ham, hand soap, honey, ice cream, jam, juice, ketchup, laundry
detergent, lemons, lentils, lettuce, light bulbs, limes, mangoes, margarine, mayonnaise, meat, melon, milk, mineral
water, mushrooms, mustard, napkins, noodles, nuts, oatmeal, oil, olive oil, olives, onions, orange juice, oranges,
pancake mix, paper towels, parsley, pasta, peaches, peanut butter, peanuts, pears, peas, pepper, peppers, pineapple,
pizza, plums, popcorn, pork, potatoes, pumpkin, raspberries, rice, rolls, salad, salami, salmon, salt, sandwich bags,
sausages, shampoo, shower gel, soap, soda, soup, sour cream, spaghetti, spinach, sponges, steak, strawberries, sugar,
tea, tissues, toilet paper, tomato sauce, tomatoes, toothbrushes, toothpaste, tuna, turkey, vanilla, vegetables,
vinegar, walnuts, washing powder, water, watermelon, wine, yogurt, zucchini
"""
PACKINGS = "bag bottle box bunch can carton jar kilo liter loaf pack package piece pound slice tube".split()
PLURALS = {"box": "boxes", "bunch": "bunches", "loaf": "loaves"}
ORDER = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
LEARNED = 300
"""Dictated goods that can be said in one go; the oldest are forgotten."""

Count = Annotated[int, Range(2, 24)]
List = Literal["shopping", "to do"]

skill = Skill("lists", description="A shopping list and a to-do list.")
skill.list("one_packing", PACKINGS)
skill.list("packings", [PLURALS.get(name, f"{name}s") for name in PACKINGS])
skill.list(
    "list", {"shopping list": "shopping", "grocery list": "shopping", "to do list": "to do", "task list": "to do"}
)
skill.list("order", {**{name: number for number, name in enumerate(ORDER)}, "last": -1})
skill.rule(
    "thing",
    "([some|more] {item}|{count} {several:item}|((a|one) {one_packing:packing}|{count} {packings:packing}) of {item})",
)
skill.rule("goods", "<thing> [and [some] {item:second}]")
skill.rule("on_shopping", "(the|my|our) (shopping|grocery) list [please]")


def _groceries() -> list[str]:
    return [" ".join(item.split()) for item in GROCERIES.split(",")]


skill.list("item", _groceries())
skill.list("several", [item for item in _groceries() if item.endswith("s")])  # nobody says "four pork"


@skill.on_start
def recall() -> None:
    """Know the words that were dictated before."""
    _listen_for(skill.store.get("learned", []))


# ---- shopping ----------------------------------------------------------------------------------------------------


@skill.intent(
    "ShoppingAdd",
    "(add|put) <goods> (to|on) <on_shopping>",
    "(we|i) need [to (buy|get)] <goods>",
    "(we are|we're|i am|i'm) [almost] out of {item}",
    "(remember to|remind me to|we have to) (buy|get) <goods>",
    "[please] buy <thing>",
)
@skill.answer("Goods", "<goods> [please]")
def shopping_add(item: str, second: str | None = None, count: Count | None = None, packing: str | None = None) -> str:
    """Put one or two things on the shopping list."""
    amount = [str(count)] if count else []
    told = " ".join([*amount, *([packing, "of"] if packing else []), item])
    added = {item: told} | ({second: second} if second else {})
    skill.store["shopping"] = _entries("shopping") | added
    return f"Added {' and '.join(added.values())}."


@skill.intent(
    "ShoppingRemove",
    "(remove|delete|take|cross|scratch) {item} (from|off) <on_shopping>",
    "(i|we) [have] bought [the] {item}",
    "(cross off|we do not need|we don't need) {item}",
)
def shopping_remove(item: str) -> str:
    """Take a thing off the shopping list."""
    entries = _entries("shopping")
    if entries.pop(item, None) is None:
        return f"{item.capitalize()}: not on the shopping list."
    skill.store["shopping"] = entries
    return f"Removed {item}."


@skill.intent(
    "ShoppingHas", "(is|are|is there) {item} on <on_shopping>", "do (we|i) need [to buy] {item}", "are we out of {item}"
)
def shopping_has(item: str) -> str:
    """Say whether a thing is on the shopping list."""
    told = _entries("shopping").get(item)
    return f"Yes, {told}." if told else f"No, {item}: not on the shopping list."


# ---- both lists --------------------------------------------------------------------------------------------------


@skill.intent(
    "ListAdd",
    "(add|put) (something|an item|a task|an entry) (to|on) (the|my|our) {list} [please]",
    "add to (the|my|our) {list}",
    ("(add|create|make) (a|another|a new) (task|to do) [please]", {"list": "to do"}),
    ("(new task|i have to do something|remind me of something)", {"list": "to do"}),
)
def list_add(list: List) -> Reply:
    """Ask what to put on a list."""
    return Ask("What shall I add?", expect=["Goods"] if list == "shopping" else [], data={"list": list})


@skill.on_not_recognized
def take_dictation(context: Context, list: List = "to do") -> str:
    """Put the words that came as the answer on the list; goods can be said in one go from then on."""
    text = context.text.strip()
    if not text:
        return "I heard no words."
    skill.store[list] = _entries(list) | {text: text}
    if list == "shopping" and text not in _groceries():
        others = [word for word in skill.store.get("learned", []) if word != text]
        skill.store["learned"] = [*others, text][-LEARNED:]
        _listen_for(skill.store["learned"])
    return f"Added: {text}."


@skill.intent(
    "ListRead",
    "(what is|what's|what stands|is there anything|read me what is) on (the|my|our) {list} [please]",
    "(read|tell me|show me) (the|my|our) {list} [please]",
    ("what (do|should) (i|we) [need to|have to] (buy|get)", {"list": "shopping"}),
    ("what (do i have to do|should i do|is there to do) [today]", {"list": "to do"}),
    ("(what are|read|tell me) my (tasks|to dos)", {"list": "to do"}),
)
def list_read(list: List) -> str:
    """Read a list aloud."""
    told = [*_entries(list).values()]
    if not told:
        return f"The {list} list is empty."
    things = "1 thing" if len(told) == 1 else f"{len(told)} things"
    return f"There {'is' if len(told) == 1 else 'are'} {things} on the {list} list: {', '.join(told)}."


@skill.intent(
    "ListTick",
    "(check|tick|cross) off [the] {order} (item|task|one) [(on|from|of) (the|my|our) {list}]",
    "[the] {order} task is done",
    "i have done [the] {order} task",
)
def list_tick(order: int, list: List = "to do") -> str:
    """Take an entry off a list by its place."""
    entries = _entries(list)
    if not -len(entries) <= order < len(entries):
        return f"The {list} list is not that long."
    item = [*entries][order]
    told = entries.pop(item)
    skill.store[list] = entries
    return f"Removed: {told}."


@skill.intent("ListClear", "(clear|empty|delete|erase) (the|my|our) {list} [please]", "start a new {list}")
def list_clear(list: List) -> Reply:
    """Empty a list, after asking."""
    count = len(_entries(list))
    if not count:
        return f"The {list} list is empty."
    return Ask(f"Really delete {count} thing{'s' * (count != 1)}?", expect=["Yes", "No"], data={"list": list})


@skill.answer("Yes")
def clear(list: List) -> str:
    """Empty the list."""
    skill.store[list] = {}
    return "Deleted."


@skill.answer("No")
def keep() -> str:
    """Leave the list as it is."""
    return "All right, it stays."


def _entries(name: str) -> dict[str, str]:
    """Return what is on a list: what it is -> how it is told, with its amount."""
    return skill.store.get(name, {})


def _listen_for(learned: list[str]) -> None:
    skill.list("item", [*_groceries(), *learned])


skill.example("add milk to my shopping list", "Added milk.", "do we need milk", "Yes, milk.")
skill.example("we need six eggs and butter", "Added 6 eggs and butter.")
skill.example("add something to my to do list", "What shall I add?", "call the plumber", "Added: call the plumber.")
skill.example("what's on my shopping list", "The shopping list is empty.")
skill.example("add insult to injury", None)
