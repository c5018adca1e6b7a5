package acoustic_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"bedside/speech/asr/acoustic"
)

// packagedFolder is where Debian's pocketsphinx-en-us has its acoustic model.
const packagedFolder = "/usr/share/pocketsphinx/model/en-us/en-us"

func packaged(t testing.TB) *acoustic.Model {
	t.Helper()
	if _, err := os.Stat(packagedFolder); err != nil {
		t.Skip("pocketsphinx-en-us is not installed")
	}
	m, err := acoustic.Read(os.DirFS(packagedFolder))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPackagedModelIsWrittenAsItWasRead(t *testing.T) {
	m := packaged(t)
	folder := t.TempDir()
	if err := m.Write(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range acoustic.Files() {
		want, err := os.ReadFile(filepath.Join(packagedFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if name != "sendump" {
			// The packaged files have another header, and a checksum after the values.
			_, want, _ = bytes.Cut(want, []byte("endhdr\n"))
			_, got, _ = bytes.Cut(got, []byte("endhdr\n"))
			want = want[:len(want)-4]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the packaged file", name)
		}
	}
}

func TestWeightsKeepTheirBytes(t *testing.T) {
	for b := range 248 { // lower weights are as good as none
		if got := acoustic.EncodeWeight(acoustic.Weight(uint8(b))); got != uint8(b) {
			t.Errorf("the weight of byte %d is encoded as %d", b, got)
		}
	}
	if acoustic.EncodeWeight(0) < 240 || acoustic.EncodeWeight(1) != 0 {
		t.Error("0 and 1 have other bytes")
	}
}

func TestDefinitionKnowsTriphones(t *testing.T) {
	d := packaged(t).Definition
	phone := func(name string) int {
		id, ok := d.Phone(name)
		if !ok {
			t.Fatalf("no phone %s", name)
		}
		return id
	}
	if d.Senones() != 5126 || len(d.Phones) != 42 {
		t.Errorf("%d senones, %d phones", d.Senones(), len(d.Phones))
	}
	if _, ok := d.Phone("QQ"); ok {
		t.Error("there is no phone QQ")
	}
	for _, c := range []struct {
		name, left, right string
		at                acoustic.Position
	}{
		{"AE", "K", "T", acoustic.Internal}, {"K", "SIL", "AE", acoustic.Begin},
		{"T", "AE", "SIL", acoustic.End}, {"AH", "SIL", "SIL", acoustic.Single},
	} {
		id := phone(c.name)
		got := d.Between(id, phone(c.left), phone(c.right), c.at)
		if got == d.Alone(id) {
			t.Errorf("%s between %s and %s has no senones of its own", c.name, c.left, c.right)
		}
		for _, senone := range got {
			if d.Codebook(senone) != id {
				t.Errorf("senone %d of %s has the codebook %d", senone, c.name,
					d.Codebook(senone))
			}
		}
	}
	silence := phone(acoustic.Silence)
	if d.Between(silence, phone("K"), phone("T"), acoustic.Internal) != d.Alone(silence) {
		t.Error("silence depends on its neighbours")
	}
	k := phone("K")
	if d.Between(k, phone("+NSN+"), phone("AE"), acoustic.Begin) !=
		d.Between(k, silence, phone("AE"), acoustic.Begin) {
		t.Error("noise before a phone is not taken for silence")
	}
}

func TestSmallModelIsRead(t *testing.T) {
	m, err := acoustic.Read(smallFiles())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Definition.Phones, []string{"SIL", "AA", "B"}) ||
		m.Definition.Senones() != smallSenones {
		t.Errorf("read as %v, %d senones", m.Definition.Phones, m.Definition.Senones())
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	for name, file := range smallFiles() {
		data := file.Data
		step := max(1, len(data)/40)
		for n := 0; n < len(data); n += step {
			files := smallFiles()
			files[name] = &fstest.MapFile{Data: data[:n]}
			if _, err := acoustic.Read(files); !errors.Is(err, acoustic.ErrFormat) {
				t.Errorf("the first %d bytes of %s: %v", n, name, err)
			}
		}
		files := smallFiles()
		delete(files, name)
		if _, err := acoustic.Read(files); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	files := smallFiles()
	means := smallGaussians(0)
	binary.LittleEndian.PutUint32(means[len(means)-4:], math.Float32bits(float32(math.NaN())))
	files["means"] = &fstest.MapFile{Data: means}
	if _, err := acoustic.Read(files); !errors.Is(err, acoustic.ErrFormat) {
		t.Errorf("with a mean that is not a number: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	files := smallFiles()
	f.Add(files["mdef"].Data, uint8(0))
	f.Add(files["sendump"].Data, uint8(1))
	f.Add(files["means"].Data[:200], uint8(2))
	names := []string{"mdef", "sendump", "means"}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		files := smallFiles()
		files[names[int(which)%len(names)]] = &fstest.MapFile{Data: data}
		m, err := acoustic.Read(files)
		if err != nil {
			return
		}
		for phone := range m.Definition.Phones { // whatever was read can be looked up
			for at := acoustic.Internal; at <= acoustic.Single; at++ {
				for _, senone := range m.Definition.Between(phone, 0, phone, at) {
					m.Definition.Codebook(senone)
				}
			}
		}
	})
}
