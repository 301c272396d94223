"""The parts of the project for this topic alone: its data, teachers, submission and tests."""
