"""Scores that mean something: from a model's similarity to a probability and an expected label."""

from simplugin.calibration.error import expected_calibration_error
from simplugin.calibration.fitting import fit_calibration
from simplugin.calibration.record import ALL, Calibration, Scale

__all__ = ["ALL", "Calibration", "Scale", "expected_calibration_error", "fit_calibration"]
