"""Mail by SMTP: where the server is, what is sent to whom, and a typed outcome for each receiver."""
