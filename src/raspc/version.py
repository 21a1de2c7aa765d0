"""The version of this package: what saved models say that they were made by."""

VERSION = "0.2.0"
