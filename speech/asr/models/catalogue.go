// Package models installs models for recognisers from their public releases: it downloads a file,
// goes on where an earlier try was interrupted, compares its checksum with the one that is written
// here, and unpacks what is needed into a folder of its own. A file that was changed since is
// refused.
package models

import "slices"

// Model is a model that can be installed.
type Model struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	License string `json:"license"`
	URL     string `json:"url"`
	Size    int64  `json:"size"` // of the file that is downloaded, in bytes
	SHA256  string `json:"sha256"`
}

const release = "https://github.com/k2-fsa/sherpa-onnx/releases/download/asr-models/"

// Catalogue lists the models. The checksums are those of the release; several public projects that
// pin the same files have the same ones.
func Catalogue() []Model {
	return []Model{{
		Name:    "zipformer-en",
		About:   "English, accurate: streaming Zipformer of 2023-06, for sherpa-onnx",
		License: "Apache-2.0",
		URL:     release + "sherpa-onnx-streaming-zipformer-en-2023-06-26.tar.bz2",
		Size:    310_414_022,
		SHA256:  "639e25b578e9e997131402199419c13a941f8e4e198e2da1ce57dbf5cf401282",
	}, {
		Name:    "zipformer-en-small",
		About:   "English, for slow machines: streaming Zipformer of 2023-02, for sherpa-onnx",
		License: "Apache-2.0",
		URL:     release + "sherpa-onnx-streaming-zipformer-en-20M-2023-02-17.tar.bz2",
		Size:    127_887_156,
		SHA256:  "9c559283e8498d3fe95913c79ca1cb454bb26281ac2b102b41306c7d752765d9",
	}, {
		Name:    "kroko-en",
		About:   "English: Kroko ASR by Banafo of 2025-08, for sherpa-onnx",
		License: "CC-BY-SA-4.0",
		URL:     release + "sherpa-onnx-streaming-zipformer-en-kroko-2025-08-06.tar.bz2",
		Size:    57_267_600,
		SHA256:  "c8676e5ff9ac2a85296e53ee0fd4d5fb1db6770e7a7647166eeafe349ade6834",
	}}
}

// Find returns the model with a name.
func Find(list []Model, name string) (Model, bool) {
	i := slices.IndexFunc(list, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return list[i], true
}
