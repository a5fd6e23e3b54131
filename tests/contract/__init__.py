"""The contract: the OpenAPI document, held against what is really answered."""
