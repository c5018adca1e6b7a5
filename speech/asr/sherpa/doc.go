// Package sherpa recognises speech with sherpa-onnx: neural networks that stream, on the processor
// of this machine. Neither the engine nor a model is part of the program. The engine is a shared
// library that the npm packages sherpa-onnx-linux-x64 and -arm64 bring; it is loaded at run time
// through its C API. A model is a folder of ONNX files.
//
// The engine ends the process when a model is not what it expects. So a library and a model are
// tried in a process of their own first, and are used only when that succeeds.
package sherpa
