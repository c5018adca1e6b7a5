package configs

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// composeFile is what the tests read of compose.yaml.
type composeFile struct {
	Services map[string]composeService
	Volumes  map[string]any
	Configs  map[string]any
}

type composeService struct {
	Image       string
	Environment map[string]string
	Healthcheck map[string]any
	NetworkMode string   `yaml:"network_mode"`
	Volumes     []string // name:path
	Configs     []struct{ Source string }
	DependsOn   map[string]any `yaml:"depends_on"`
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	b, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var f composeFile
	if err := yaml.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// isBedside reports whether a service runs this program.
func (s composeService) isBedside() bool { return strings.HasPrefix(s.Image, "bedside:") }

// TestComposeSettingsLoad loads the settings of each Bedside process of compose.yaml, with values
// in place of the variables. An unknown or invalid one is an error.
func TestComposeSettingsLoad(t *testing.T) {
	variable := regexp.MustCompile(`\$\{[A-Z0-9_]+[^}]*\}`)
	roles := map[string]bool{}
	for name, s := range readCompose(t).Services {
		if !s.isBedside() {
			continue
		}
		var environ []string
		for key, value := range s.Environment {
			value = variable.ReplaceAllStringFunc(value, func(v string) string {
				switch {
				case strings.Contains(v, "DOMAIN"):
					return "bedside.example"
				case strings.Contains(v, "IP"):
					return "203.0.113.7"
				case strings.Contains(v, "SMTP"):
					return "smtps://mail.example:465"
				}
				return strings.Repeat("k", 64)
			})
			environ = append(environ, key+"="+value)
		}
		c, err := Load("", environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		roles[c.Role] = true
		if c.HasDemo() || c.Bus.Replicas != 3 || c.PublicURL() != "https://bedside.example" {
			t.Errorf("%s: demo %v, %d replicas, public address %s", name, c.HasDemo(),
				c.Bus.Replicas, c.PublicURL())
		}
	}
	if len(roles) != 3 {
		t.Errorf("compose.yaml has the roles %v, want api, media and speech", roles)
	}
}

// TestComposeIsWhole checks what a typing mistake would break: names of volumes, configs and
// services, versions of images, health checks.
func TestComposeIsWhole(t *testing.T) {
	f := readCompose(t)
	for name, s := range f.Services {
		if _, version, _ := strings.Cut(s.Image, ":"); version == "" || version == "latest" {
			t.Errorf("%s: the image %q has no version", name, s.Image)
		}
		// The image of Bedside has its health check in the Dockerfile.
		if s.Healthcheck == nil && !s.isBedside() && s.NetworkMode != "none" {
			t.Errorf("%s has no health check", name)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := f.Volumes[volume]; !ok {
				t.Errorf("%s uses the volume %s, which does not exist", name, volume)
			}
		}
		for _, c := range s.Configs {
			if _, ok := f.Configs[c.Source]; !ok {
				t.Errorf("%s uses the config %s, which does not exist", name, c.Source)
			}
		}
		for other := range s.DependsOn {
			if _, ok := f.Services[other]; !ok {
				t.Errorf("%s depends on %s, which does not exist", name, other)
			}
		}
	}
}

// TestSettingsInDeploymentFilesExist checks each setting that compose.yaml, the Dockerfile, the
// units, TOPOLOGY.md and the example of a configuration name.
func TestSettingsInDeploymentFilesExist(t *testing.T) {
	known := map[string]bool{"BEDSIDE_CONFIG": true}
	sections := map[string]bool{}
	for _, s := range Settings() {
		known[s.Env], known[s.Key] = true, true
		sections[section(s.Key)] = true
	}
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("no units: %v", err)
	}
	variable, key := regexp.MustCompile(`\bBEDSIDE_[A-Z0-9_]+\b`),
		regexp.MustCompile(`\b([a-z]+)\.[a-z0-9_]+\b`)
	for _, path := range append(units, "compose.yaml", "Dockerfile", "TOPOLOGY.md",
		"production.example.yaml") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variable.FindAllString(string(b), -1) {
			if !known[name] {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
		if path != "TOPOLOGY.md" {
			continue
		}
		for _, code := range regexp.MustCompile("`[^`\n]+`").FindAllString(string(b), -1) {
			m := key.FindStringSubmatch(code)
			if m != nil && sections[m[1]] && !known[m[0]] {
				t.Errorf("%s: there is no setting %s", path, m[0])
			}
		}
	}
}

// directives returns the lines of a unit by section and name.
func directives(t *testing.T, path string) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, part := map[string][]string{}, ""
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch name, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			part = strings.Trim(line, "[]")
		case ok:
			all[part+"."+name] = append(all[part+"."+name], value)
		default:
			t.Errorf("%s: %q is no directive", path, line)
		}
	}
	return all
}

// TestUnits checks the units by what they promise: role plays finish, and the process can do
// little else than serve.
func TestUnits(t *testing.T) {
	for _, name := range []string{"bedside.service", "bedside@.service"} {
		d := directives(t, filepath.Join("systemd", name))
		for directive, want := range map[string]string{
			"KillMode": "mixed", "KillSignal": "SIGTERM", "TimeoutStopSec": "9min",
			"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
			"PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
			"User": "bedside", "Restart": "always",
		} {
			if got := d["Service."+directive]; !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q, want %q", name, directive, got, want)
			}
		}
		command := strings.Fields(d["Service.ExecStart"][0])
		data := command[slices.Index(command, "--data")+1]
		states := strings.Fields(d["Service.StateDirectory"][0])
		if !slices.Contains(states, strings.TrimPrefix(data, "/var/lib/")) {
			t.Errorf("%s: the data folder %s is not in StateDirectory %v", name, data, states)
		}
	}
}

// TestUnitsVerify lets systemd read the units.
func TestUnitsVerify(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for file, name := range map[string]string{
		"bedside.service": "bedside.service", "bedside@.service": "bedside@api.service",
	} {
		b, err := os.ReadFile(filepath.Join("systemd", file))
		if err != nil {
			t.Fatal(err)
		}
		// The program must exist for systemd, and this one does.
		b = bytes.ReplaceAll(b, []byte("/usr/local/bin/bedside"), []byte(self))
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(verify, "verify", "--man=no", path).CombinedOutput()
		if err != nil || bytes.Contains(out, []byte(name)) {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

// TestImagesHaveTheVersionsThatTestsUse compares the versions of images with those of the programs
// that tests run.
func TestImagesHaveTheVersionsThatTestsUse(t *testing.T) {
	find := func(path, pattern string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s has no %s", path, pattern)
		}
		return string(m[1])
	}
	for what, pair := range map[string][2]string{
		"NATS": {
			find("compose.yaml", `image: nats:([0-9.]+)`),
			find("../go.mod", `nats-server/v2 v([0-9.]+)`),
		},
		"versitygw": {
			find("compose.yaml", `versitygw:(v[0-9.]+)`), find("../.ci/setup", `=(v[0-9.]+)`),
		},
		"Go": {find("Dockerfile", `golang:([0-9.]+)`), find("../go.mod", `go (1\.[0-9]+)`)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: the image has %s, tests use %s", what, pair[0], pair[1])
		}
	}
}
