"""Fine-tuning by the recipes of the source models' cards, with what their authors got wrong put right.

``recipes`` holds one file a recipe. Training itself is done by sentence-transformers, and needs the extra ``train``.
How the bundled starter was made is another matter, and stands in ``simplugin.training``.
"""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred
from simplugin.finetuning.recipe import Hyperparameters, Recipe, find_recipe, recipe_names

if TYPE_CHECKING:
    from simplugin.finetuning.pipeline import Finetuned, finetune
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.finetuning.pipeline": ("Finetuned", "finetune"),
        },
    )

__all__ = ["Finetuned", "Hyperparameters", "Recipe", "find_recipe", "finetune", "recipe_names"]
