package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/configs"
	"bedside/store"
	"bedside/store/postgres"

	"golang.org/x/term"
)

type adminCommand struct {
	Create adminCreateCommand `cmd:"" help:"Create an administrator; the password comes from standard input."`
}

type adminCreateCommand struct {
	Config string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data   string `help:"Data folder, when the database is the private cluster in it." placeholder:"DIR"`
	Email  string `help:"Address of the administrator." required:"" placeholder:"ADDRESS"`
	Name   string `help:"Name of the administrator." default:"Administrator" placeholder:"NAME"`
}

// Run creates an administrator. The password is never an argument, which other users of the
// machine could see. It locks the data folder when the database is the private cluster in it, so
// the server must not run then.
func (c adminCreateCommand) Run(ctx context.Context, i *invocation) (err error) {
	cfg, err := i.settings(c.Config, map[string]string{"data": c.Data})
	if err != nil {
		return err
	}
	password, err := readPassword(i)
	if err != nil {
		return err
	}
	u, err := newAdmin(ctx, cfg.Auth, c.Email, c.Name, password)
	if err != nil {
		return err
	}
	log := cfg.Log.Logger(i.err)
	parts := newClosers(log)
	defer func() { err = errors.Join(err, parts.closeAll(context.WithoutCancel(ctx))) }()
	db, err := openDatabaseAlone(ctx, cfg, parts, log)
	if err != nil {
		return err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	u, err = db.Register(ctx, u, func(u store.User, isNew bool) store.Effects {
		if !isNew {
			return store.Effects{}
		}
		return store.Effects{Acts: []store.Act{{
			Action: store.ActCreate, UserID: u.ID, Detail: "bedside admin create",
		}}}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%s is an administrator now\n", u.Email)
	return nil
}

// readPassword asks for a password twice on a terminal, and reads one line otherwise.
func readPassword(i *invocation) (string, error) {
	f, ok := i.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(i.in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var entered [2]string
	for n, prompt := range []string{"Password: ", "Again: "} {
		fmt.Fprint(i.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(i.err)
		if err != nil {
			return "", err
		}
		entered[n] = string(b)
	}
	if entered[0] != entered[1] {
		return "", errors.New("the two passwords differ")
	}
	return entered[0], nil
}

// newAdmin returns an account of an administrator, to be saved. The operator vouches for the
// address.
func newAdmin(ctx context.Context, cfg auth.Config, email, name,
	password string) (u store.User, err error) {
	if u.Email, err = httpx.CleanEmail(email); err != nil {
		return u, err
	}
	if u.Name, err = httpx.CleanName(name); err != nil {
		return u, err
	}
	passwords, err := auth.NewPasswords(cfg)
	if err != nil {
		return u, err
	}
	if err := passwords.Check(ctx, password, u.Email, u.Name); err != nil {
		return u, err
	}
	u.Role = store.RoleAdmin
	u.Verify(time.Now().UTC())
	u.PasswordHash, err = passwords.Hash(ctx, password)
	return u, err
}

// createFirstAdmin creates the administrator of the configuration while there is none, and tells
// the operator what to do when nobody can administrate.
func createFirstAdmin(ctx context.Context, cfg configs.Config, db *postgres.DB,
	log *slog.Logger) error {
	exists, err := db.HasAdmin(ctx)
	if err != nil || exists {
		return err
	}
	if cfg.AdminEmail == "" {
		if !cfg.HasDemo() {
			log.Warn("there is no administrator: run bedside admin create, or set " +
				"BEDSIDE_ADMIN_EMAIL and BEDSIDE_ADMIN_PASSWORD")
		}
		return nil
	}
	u, err := newAdmin(ctx, cfg.Auth, cfg.AdminEmail, "Administrator", cfg.AdminPassword)
	if err != nil {
		return fmt.Errorf("auth.admin_email: %w", err)
	}
	created, err := db.FirstAdmin(ctx, u)
	if err != nil {
		return fmt.Errorf("auth.admin_email: %w", err)
	}
	if created {
		log.Info("the first administrator was created; the password may leave the configuration",
			"email", u.Email)
	}
	return nil
}
