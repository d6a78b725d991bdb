"""Plots, as SVG that needs nothing else; one module a plot."""

from simplugin.evaluation.report.plots.agreement import agreement
from simplugin.evaluation.report.plots.figure import Figure
from simplugin.evaluation.report.plots.heatmap import heatmap
from simplugin.evaluation.report.plots.intervals import intervals
from simplugin.evaluation.report.plots.reliability import reliability
from simplugin.evaluation.report.plots.stages import stages

__all__ = ["Figure", "agreement", "heatmap", "intervals", "reliability", "stages"]
