"""The program as data: nodes, value sets, tables; building, checking, printing."""
