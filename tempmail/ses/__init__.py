"""Mail that Amazon SES took and announces by SNS."""
