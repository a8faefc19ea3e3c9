"""Results as text: functions from a Result to str or bytes."""
