"""Fine-tuning by the recipes of the source models' cards, with what their authors got wrong put right.

``recipes`` holds one file a recipe. Training itself is done by sentence-transformers, and needs the extra ``train``.
``distill`` makes a small static model from nothing, as the bundled starter was made: its parts are in
``simplugin.training``.
"""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred
from simplugin.finetuning.recipe import Hyperparameters, Recipe, find_recipe, recipe_names

if TYPE_CHECKING:
    from simplugin.finetuning.distilling import Distilled, distill
    from simplugin.finetuning.pipeline import Finetuned, finetune
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.finetuning.distilling": ("Distilled", "distill"),
            "simplugin.finetuning.pipeline": ("Finetuned", "finetune"),
        },
    )

__all__ = ["Distilled", "Finetuned", "Hyperparameters", "Recipe", "distill", "find_recipe", "finetune", "recipe_names"]
