package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// TypeScript returns the messages of the package in dir as TypeScript interfaces and discriminated
// unions. It returns an error for a Go type that has no translation.
func TypeScript(dir string) (string, error) {
	names := []string{"client.go", "server.go", "protocol.go"}
	fset := token.NewFileSet()
	w := &writer{types: map[string]string{}}
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, dir+"/"+name, nil, parser.ParseComments)
		if err != nil {
			return "", err
		}
		files = append(files, f)
		w.collect(f)
	}
	w.line("// Generated from the Go structs of signaling/protocol by go generate. Do not edit.")
	for _, f := range files {
		for _, d := range f.Decls {
			if err := w.declaration(d); err != nil {
				return "", err
			}
		}
	}
	w.union("ClientMessage", "A message from a participant.", w.client)
	w.union("ServerMessage", "A message from the server.", w.server)
	return w.out.String(), nil
}

// writer builds the file.
type writer struct {
	out            strings.Builder
	types          map[string]string // the "type" of each message, by struct name
	client, server []string
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// collect finds the methods that return the messages' types.
func (w *writer) collect(f *ast.File) {
	for _, d := range f.Decls {
		m, ok := d.(*ast.FuncDecl)
		if !ok || m.Recv == nil || (m.Name.Name != "clientType" && m.Name.Name != "serverType") {
			continue
		}
		name := m.Recv.List[0].Type.(*ast.Ident).Name
		value := m.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value
		w.types[name] = strings.Trim(value, `"`)
		if m.Name.Name == "clientType" {
			w.client = append(w.client, name)
		} else {
			w.server = append(w.server, name)
		}
	}
}

func (w *writer) declaration(d ast.Decl) error {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return nil
	}
	switch g.Tok {
	case token.CONST:
		return w.constants(g)
	case token.TYPE:
		for _, s := range g.Specs {
			spec := s.(*ast.TypeSpec)
			if st, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
				if err := w.structure(spec.Name.Name, g.Doc.Text(), st); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// constants writes a string type's values as a union, and Version as a constant.
func (w *writer) constants(g *ast.GenDecl) error {
	var name string
	var values []string
	for _, s := range g.Specs {
		spec := s.(*ast.ValueSpec)
		if !spec.Names[0].IsExported() {
			continue
		}
		if spec.Type == nil {
			if spec.Names[0].Name == "Version" {
				w.comment("", g.Doc.Text())
				w.line("export const VERSION = %s", spec.Values[0].(*ast.BasicLit).Value)
			}
			continue
		}
		name = spec.Type.(*ast.Ident).Name
		value := strings.ReplaceAll(spec.Values[0].(*ast.BasicLit).Value, `"`, `'`)
		comment := spec.Comment.Text() + spec.Doc.Text() // beside the value, or above it
		if comment = strings.TrimSpace(comment); comment != "" {
			value += " // " + strings.ReplaceAll(comment, "\n", " ")
		}
		values = append(values, value)
	}
	if name == "" {
		return nil
	}
	w.line("\nexport type %s =", name)
	for _, v := range values {
		w.line("\t| %s", v)
	}
	return nil
}

func (w *writer) structure(name, doc string, st *ast.StructType) error {
	w.comment("", doc)
	w.line("export interface %s {", name)
	if t, ok := w.types[name]; ok {
		w.line("\ttype: '%s'", t)
	}
	for _, f := range st.Fields.List {
		tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
		field, options, _ := strings.Cut(tag, ",")
		kind, err := typeOf(f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, field, err)
		}
		if options == "omitempty" {
			field += "?"
		}
		w.comment("\t", f.Doc.Text())
		w.line("\t%s: %s", field, kind)
	}
	w.line("}")
	return nil
}

func (w *writer) comment(indent, text string) {
	if text = strings.TrimSpace(strings.ReplaceAll(text, "\n", " ")); text == "" {
		return
	}
	if indent == "" {
		w.line("")
	}
	w.line("%s/** %s */", indent, text)
}

func (w *writer) union(name, doc string, members []string) {
	w.comment("", doc)
	w.line("export type %s =", name)
	for _, m := range members {
		w.line("\t| %s", m)
	}
}

// typeOf returns the TypeScript of a Go type.
func typeOf(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeOf(e.X)
	case *ast.ArrayType:
		inner, err := typeOf(e.Elt)
		return inner + "[]", err
	case *ast.Ident:
		switch e.Name {
		case "string":
			return "string", nil
		case "bool":
			return "boolean", nil
		case "int", "int64", "uint64", "uint16", "uint32", "float64":
			return "number", nil
		}
		if e.IsExported() {
			return e.Name, nil
		}
	}
	return "", fmt.Errorf("no TypeScript for %T", e)
}
