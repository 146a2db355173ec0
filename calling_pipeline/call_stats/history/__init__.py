"""The history of daily numbers: one small row per day, kept permanently for trends and comparison."""
