"""From finished runs to tables: figures, intervals, tests, calibration."""
