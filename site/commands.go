package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// commandsSource is the name of the page of all commands. It is no file: the help of the commands is its text.
const commandsSource = "docs/commands.md"

// Commands builds the stock server and returns a document with the help of all its commands.
func Commands(root string) (string, error) {
	dir, err := os.MkdirTemp("", "site")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "actionhero")
	build := exec.Command("go", "build", "-o", program, "./cmd/actionhero")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the program cannot be built: %w\n%s", err, out)
	}
	var doc strings.Builder
	doc.WriteString("# Commands and flags\n\nThis page is made from the help of the commands. `actionhero` is the program of the stock server; " +
		"an app has the same commands, without `generate` and `sync`. [Command line](command-line.md) describes their use.\n")
	err = describe(&doc, program, dir, nil)
	return doc.String(), err
}

// commandLine is a command in the list that the help of another command has.
var commandLine = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)

// describe adds the help of a command and of the commands below it.
func describe(doc *strings.Builder, program, dir string, command []string) error {
	cmd := exec.Command(program, append(command, "--help")...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s --help: %w: %s", strings.Join(command, " "), err, &stderr)
	}
	level := "##"
	if len(command) > 1 {
		level = "###"
	}
	fmt.Fprintf(doc, "\n%s %s\n\n```\n%s```\n", level, strings.Join(append([]string{"actionhero"}, command...), " "), out)
	_, list, _ := strings.Cut(string(out), "\nAvailable Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for _, m := range commandLine.FindAllStringSubmatch(list, -1) {
		if m[1] != "help" {
			if err := describe(doc, program, dir, append(append([]string{}, command...), m[1])); err != nil {
				return err
			}
		}
	}
	return nil
}
