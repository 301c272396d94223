"""What belongs to this topic alone: its data, teachers, submission, tests and documents."""
