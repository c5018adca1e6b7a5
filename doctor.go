package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"bedside/configs"
	"bedside/speech/voice"
	"bedside/store/postgres/embedded"
	"bedside/web"
)

type doctorCommand struct {
	Config string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// finding is one line of the doctor's report.
type finding struct {
	Part   string `json:"part"`
	Needed string `json:"needed"` // "to serve", "to test" or "optional"
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (c doctorCommand) Run(ctx context.Context, i *invocation) error {
	cfg, err := configs.Load(c.Config, i.env)
	if err != nil {
		return err
	}
	findings := examine(ctx, cfg, i.version)
	if c.JSON {
		enc := json.NewEncoder(i.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(findings); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(i.out, 0, 4, 2, ' ', 0)
		for _, f := range findings {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", mark(f.OK), f.Part, f.Needed, f.Detail)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	missing := slices.ContainsFunc(findings, func(f finding) bool {
		return !f.OK && f.Needed == "to serve"
	})
	if missing {
		return errors.New("something needed to serve is missing: run make setup, " +
			"or set the variable named above")
	}
	return nil
}

func mark(ok bool) string {
	if ok {
		return "ok"
	}
	return "MISSING"
}

func examine(ctx context.Context, cfg configs.Config, version string) []finding {
	service := func(part, url, variable, embedded string, ok bool) finding {
		if url != "" {
			return finding{part, "to serve", true, "the service in " + variable}
		}
		return finding{part, "to serve", ok, embedded}
	}
	cluster, clusterOK := findPostgres()
	findings := []finding{
		{"bedside", "to serve", true, version},
		service("PostgreSQL", cfg.Postgres.URL, "DATABASE_URL",
			"embedded: a private cluster in "+filepath.Join(cfg.Data,
				"postgres")+", run by "+cluster,
			clusterOK),
		service("Redis", cfg.Presence.URL, "REDIS_URL",
			"embedded: a compatible server inside the process", true),
		service("NATS", cfg.Bus.URL, "NATS_URL",
			"embedded: JetStream inside the process, files in "+filepath.Join(cfg.Data, "nats"),
			true),
		service("recordings", cfg.Blob.URL, "BEDSIDE_BLOB_URL",
			"embedded: the folder "+filepath.Join(cfg.Data, "blob"), true),
		{"Opus", "to serve", true, "libopus, linked in"},
		{
			"web pages", "to serve", web.Built(),
			cmp.Or(map[bool]string{true: "embedded in the binary"}[web.Built()],
				"not built: run make web, then make build"),
		},
	}
	for _, t := range []struct{ part, command, install string }{
		{"browser", "chromium", "chromium"}, {"spoken test audio", "espeak-ng", "espeak-ng"},
		{"audio conversion", "sox", "sox"}, {"a real Redis", "redis-server", "redis-server"},
	} {
		path, err := exec.LookPath(t.command)
		f := finding{t.part, "to test", err == nil, path}
		if err != nil {
			f.Detail = "install the package " + t.install
		}
		findings = append(findings, f)
	}
	for _, r := range findRecognisers(ctx, cfg) {
		f := finding{"recogniser", "optional", r.Err == nil, describeRecogniser(r)}
		findings = append(findings, f)
	}
	for _, v := range voice.Find(cfg.Voice) {
		f := finding{"patient's voice", "optional", v.Err == nil, v.Name}
		if v.Err != nil {
			f.Detail = v.Err.Error()
		}
		findings = append(findings, f)
	}
	return append(findings, finding{
		"settings", "optional", true, strings.Join(cfg.Redacted(), " "),
	})
}

// findPostgres describes the installed PostgreSQL.
func findPostgres() (detail string, ok bool) {
	b, err := embedded.Find()
	if err != nil {
		return err.Error(), false
	}
	return fmt.Sprintf("PostgreSQL %d in %s", b.Major, b.Dir), true
}
