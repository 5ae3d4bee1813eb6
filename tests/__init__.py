"""The suite: mirrors the code, plus journeys, architecture rules and browser tests."""
