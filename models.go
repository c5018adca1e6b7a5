package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"bedside/configs"
	"bedside/speech/asr/models"
)

type modelsCommand struct {
	List    modelsListCommand    `cmd:"" help:"List the models that can be installed, and those that are."`
	Install modelsInstallCommand `cmd:"" help:"Download a model from its release and install it."`
	Remove  modelsRemoveCommand  `cmd:"" help:"Delete an installed model."`
}

// Help describes what models are for.
func (modelsCommand) Help() string {
	return strings.Join([]string{
		"Models let the automatic patient hear better than with the recogniser that is built in. " +
			"They are for sherpa-onnx, whose engine is an npm package: npm install --global " +
			"--prefix /usr/local sherpa-onnx-linux-x64 (or -arm64).",
		"Models are in the folder models of the data folder. The server uses the installed one, " +
			"or the one that the setting speech.sherpa_model names, from its next start on.",
		"Example: bedside models install zipformer-en",
	}, "\n\n")
}

// modelFlags are the flags of each of the commands.
type modelFlags struct {
	Config string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data   string `help:"Data folder." placeholder:"DIR"`
}

func (f modelFlags) open(i *invocation) (*models.Store, configs.Config, error) {
	cfg, err := i.settings(f.Config, map[string]string{"data": f.Data})
	if err != nil {
		return nil, cfg, err
	}
	return models.Open(modelFolder(cfg)), cfg, nil
}

type modelsListCommand struct {
	modelFlags
	JSON bool `help:"Print JSON." name:"json"`
}

// listedModel is a model as --json prints it.
type listedModel struct {
	models.Model
	Dir         string    `json:"dir,omitzero"` // of an installed one
	InstalledAt time.Time `json:"installed_at,omitzero"`
}

// Run prints the models.
func (c modelsListCommand) Run(i *invocation) error {
	s, _, err := c.open(i)
	if err != nil {
		return err
	}
	installed, err := s.List()
	if err != nil {
		return err
	}
	var list []listedModel
	for _, m := range models.Catalogue() {
		list = append(list, listedModel{Model: m})
	}
	for _, m := range installed {
		l := listedModel{m.Model, m.Dir, m.At}
		if n := indexOf(list, m.Name); n >= 0 {
			list[n] = l
		} else { // of an earlier version of the program
			list = append(list, l)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(i.out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	w := tabwriter.NewWriter(i.out, 0, 4, 2, ' ', 0)
	for _, m := range list {
		state := fmt.Sprintf("%d MB", m.Size/1e6)
		if m.Dir != "" {
			state = "installed"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Name, state, m.License, m.About)
	}
	return w.Flush()
}

func indexOf(list []listedModel, name string) int {
	for n, m := range list {
		if m.Name == name {
			return n
		}
	}
	return -1
}

type modelsInstallCommand struct {
	modelFlags
	Name string `arg:"" help:"Name of the model (bedside models list)."`
	From string `help:"Take the file from here instead of its release. It has to be the same file." placeholder:"URL|FILE"`
}

// Run installs a model, and tries it when there is an engine.
func (c modelsInstallCommand) Run(ctx context.Context, i *invocation) error {
	m, ok := models.Find(models.Catalogue(), c.Name)
	if !ok {
		return fmt.Errorf("%w: there is no model %.40q; see bedside models list",
			configs.ErrFlags, c.Name)
	}
	s, cfg, err := c.open(i)
	if err != nil {
		return err
	}
	return install(ctx, i, s, cfg, m, c.From)
}

func install(ctx context.Context, i *invocation, s *models.Store, cfg configs.Config,
	m models.Model, from string) error {
	fmt.Fprintf(i.err, "%s: %s, %d MB, licence %s\n", m.Name, m.About, m.Size/1e6, m.License)
	p := progress{w: i.err, terminal: isTerminal(i.err)}
	got, err := s.Install(ctx, m, from, p.show)
	p.end()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: run the command again to go on", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	fmt.Fprintln(i.out, got.Dir)
	cfg.Sherpa.Model = got.Dir
	if found, err := findSherpa(ctx, cfg); err != nil {
		fmt.Fprintf(i.err, "It cannot be used yet: %v\n", err)
	} else {
		fmt.Fprintln(i.err, describeRecogniser(link("sherpa-onnx", found, nil)))
	}
	return nil
}

type modelsRemoveCommand struct {
	modelFlags
	Name string `arg:"" help:"Name of the model."`
}

// Run removes a model.
func (c modelsRemoveCommand) Run(i *invocation) error {
	s, _, err := c.open(i)
	if err != nil {
		return err
	}
	if err := s.Remove(c.Name); err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	return nil
}

// progress prints how much of a download is there: in one line of a terminal, elsewhere a line for
// each tenth.
type progress struct {
	w        io.Writer
	terminal bool
	percent  int64
	shown    bool
}

func (p *progress) show(done, all int64) {
	percent := 100 * done / max(all, 1)
	step := int64(10)
	if p.terminal {
		step = 1
	}
	if p.shown && percent/step == p.percent/step {
		return
	}
	p.percent, p.shown = percent, true
	text := fmt.Sprintf("%3d %%, %d of %d MB", percent, done/1e6, all/1e6)
	if p.terminal {
		fmt.Fprint(p.w, "\r"+text)
	} else {
		fmt.Fprintln(p.w, text)
	}
}

func (p *progress) end() {
	if p.terminal && p.shown {
		fmt.Fprintln(p.w)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
