"""Explanations of models: SHAP values, computed on made-up rows if the result leaves the trusted side."""
