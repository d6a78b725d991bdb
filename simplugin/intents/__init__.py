"""What an utterance means, by example."""

from simplugin.intents.matcher import IntentMatcher

__all__ = ["IntentMatcher"]
