"""The Fraud Detection Handbook's published process of card transactions and frauds, day by day and seeded."""
