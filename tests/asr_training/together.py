"""Train on a prepared cache as one of several processes: together.py CACHE RECIPE RUN STEPS [RANK SIZE PORT]."""

import sys
from pathlib import Path

from asr_training.prepare import Cache
from asr_training.settings import Recipe
from asr_training.train import Budget, train
from kws_training.parallel import Group, set_group

if __name__ == "__main__":
    cache, recipe_file, run, steps, *place = sys.argv[1:]
    recipe = Recipe.model_validate_json(Path(recipe_file).read_text(encoding="utf-8"))
    if place:
        rank, size, port = map(int, place)
        set_group(Group(rank, size, ("127.0.0.1", port)))
    train(Cache(Path(cache), recipe.features), recipe, Path(run), Budget(int(steps)), print)
