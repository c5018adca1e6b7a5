package mail

// Config configures how mail is sent.
type Config struct {
	SMTPURL string `key:"mail.smtp_url" env:"BEDSIDE_SMTP_URL" doc:"mail server: smtp://user:password@host:587 (with STARTTLS) or smtps://host:465; empty: mail stays in the data folder, and is shown at /dev/outbox while the server listens on loopback only" secret:"true"`
	From    string `key:"mail.from" env:"BEDSIDE_MAIL_FROM" doc:"sender address"`
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{From: "Bedside <bedside@localhost.localdomain>"} }
