"""Commands that make tables, figures and pages, and take runs over."""
