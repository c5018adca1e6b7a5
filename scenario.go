package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"bedside/store/scenario"
)

type scenarioCommand struct {
	Lint   scenarioLintCommand   `cmd:"" help:"Check scenarios in YAML files: print what should be changed, by line."`
	Schema scenarioSchemaCommand `cmd:"" help:"Print the JSON Schema of the scenario document."`
}

// errFindings is returned when a file has findings that count as errors.
var errFindings = errors.New("there are errors; each line above says what to change")

type scenarioLintCommand struct {
	Files   []string `arg:"" name:"file" help:"YAML files with one or several scenarios each; - for standard input."`
	JSON    bool     `help:"Print the findings as a JSON array: file, line, column, path, severity, rule, message." name:"json"`
	Intents bool     `help:"Also try the dialogues: what their examples are taken for, and words without a pronunciation."`
	Strict  bool     `help:"Count warnings as errors: what a scenario lacks, spelling, lines too long to say."`
}

// Help describes the output and the exit code.
func (scenarioLintCommand) Help() string {
	return strings.Join([]string{
		"Prints a line for each finding: file:line:column: severity: message [rule].",
		"Errors are what the format does not permit, and what would make the role play wrong: " +
			"an indicator outside of the criteria, a model performance that the patient " +
			"begins, a summary that gives a hidden fact away, a name that the dialogue does " +
			"not define. Warnings are what a scenario lacks, American spellings, and lines " +
			"that nobody can say in one go.",
		"Exit code: 0 when there are no errors (with --strict: no findings), 1 when there are, " +
			"2 when the command line is wrong.",
		"Example: bedside scenario lint --strict my-scenario.yaml",
	}, "\n\n")
}

// fileFinding is a finding with the name of its file.
type fileFinding struct {
	File string `json:"file"`
	scenario.Finding
}

// Run prints the findings, and returns errFindings when there are errors.
func (c scenarioLintCommand) Run(ctx context.Context, i *invocation) error {
	all, failed := []fileFinding{}, false
	for _, name := range c.Files {
		data, err := readScenarioFile(i, name)
		if err != nil {
			return err
		}
		findings := scenario.Lint(data)
		if c.Intents && !slices.ContainsFunc(findings, isError) {
			more, err := tryIntents(ctx, i.err, data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			findings = append(findings, more...)
		}
		for _, f := range findings {
			all = append(all, fileFinding{name, f})
			failed = failed || c.Strict || f.Severity == scenario.Error
		}
	}
	if c.JSON {
		encoder := json.NewEncoder(i.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(all); err != nil {
			return err
		}
	} else {
		for _, f := range all {
			fmt.Fprintf(i.out, "%s:%s [%s]\n", f.File, f.Finding.Error(), f.Rule)
		}
	}
	if failed {
		return errFindings
	}
	return nil
}

func isError(f scenario.Finding) bool { return f.Severity == scenario.Error }

// readScenarioFile reads a file, or standard input for -, as far as scenario.Lint takes it.
func readScenarioFile(i *invocation, name string) ([]byte, error) {
	in := i.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, scenario.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

type scenarioSchemaCommand struct{}

// Run prints the schema.
func (scenarioSchemaCommand) Run(i *invocation) error {
	encoder := json.NewEncoder(i.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(scenario.Schema())
}
