"""The suite: every behaviour against real servers, a real queue and a real browser."""
