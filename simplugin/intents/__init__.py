"""What an utterance means, by example."""

from simplugin.intents.conflicts import Conflict, conflicts_of
from simplugin.intents.matcher import IntentMatcher
from simplugin.intents.report import Report, report_on
from simplugin.intents.utterances import Utterance, read_utterances

__all__ = ["Conflict", "IntentMatcher", "Report", "Utterance", "conflicts_of", "read_utterances", "report_on"]
