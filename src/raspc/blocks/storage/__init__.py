"""What is stored of each variable: decided from the output back to the input, one record a variable."""
