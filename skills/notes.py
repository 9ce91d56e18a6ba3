"""Take down what is dictated, read it aloud, throw it away.

The words are those that the open recogniser heard; they are kept in the skill's storage.
"""

from voice.skill import Ask, Context, Reply, Skill

MOST = 200
"""Notes that are kept; then the oldest must go first."""

skill = Skill("notes", description="Takes dictated notes and reads them.")
skill.rule("delete", "(delete|erase|remove|clear|throw away)")


@skill.intent(
    "TakeNote",
    "(take|make|write|add|create|start|record) (a|another|a new) note [please]",
    "(write|note|take) (something|this|that) down [for me|please]",
    "(write|note) down (something|this|a note)",
    "(a new note|new note|take dictation|take notes)",
    "i (want|would like) to (take|make|dictate|leave) a note",
)
def take_note() -> Reply:
    """Ask for the note's words."""
    if len(_notes()) >= MOST:
        return f"There are {MOST} notes already. Delete some first."
    return Ask("What shall I note?", expect=[])


@skill.on_not_recognized
def keep(context: Context) -> str:
    """Keep the words that came as the answer."""
    text = context.text.strip()
    if not text:
        return "I heard no words."
    skill.store["notes"] = [*_notes(), text]
    return f"Noted: {text}."


@skill.intent(
    "ReadNotes",
    "read [me|out] (my|the|all my|all) notes [please|to me]",
    "what are (my|the) notes",
    "(what did i|what have i) (note|note down|noted|written down)",
    "(do i have|are there|have i got) [any] notes",
    "(what do my notes say|what is in my notes|what's in my notes|play my notes|tell me my notes)",
)
def read_notes() -> str:
    """Read all notes, the oldest first."""
    notes = _notes()
    if not notes:
        return "There are no notes."
    count = "one note" if len(notes) == 1 else f"{len(notes)} notes"
    return f"You have {count}. {'. '.join(notes)}."


@skill.intent(
    "ReadLastNote",
    "read [me] (my|the) (last|latest|newest) note",
    "what (is|was|'s) (my|the) (last|latest|newest) note",
    "what did i (last note|note last)",
)
def read_last_note() -> str:
    """Read the newest note."""
    return f"{_notes()[-1]}." if _notes() else "There are no notes."


@skill.intent(
    "DeleteLastNote", "<delete> (my|the) (last|latest|newest) note [please]", "(scratch|undo) (that|the) note"
)
def delete_last_note() -> str:
    """Throw the newest note away."""
    *others, last = _notes() or [None]
    if last is None:
        return "There are no notes."
    skill.store["notes"] = others
    return f"Deleted: {last}."


@skill.intent("DeleteNotes", "<delete> (all [my|the]|my|the) notes [please]", "<delete> all of my notes")
def delete_notes() -> Reply:
    """Throw all notes away, after asking."""
    count = len(_notes())
    if not count:
        return "There are no notes."
    return Ask(f"Really delete {'the note' if count == 1 else f'all {count} notes'}?", expect=["Yes", "No"])


@skill.answer("Yes")
def delete_all() -> str:
    """Throw all notes away."""
    skill.store["notes"] = []
    return "Deleted."


@skill.answer("No")
def keep_all() -> str:
    """Keep the notes."""
    return "All right, I keep them."


def _notes() -> list[str]:
    return skill.store.get("notes", [])


skill.example("take a note", "What shall I note?", "the heating makes a noise", "Noted: the heating makes a noise.")
skill.example("delete all my notes", "There are no notes.")
skill.example("take no notice", None)
