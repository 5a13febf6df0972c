"""What a model goes by: SHAP values, over made-up rows wherever the answer leaves the trusted side."""
