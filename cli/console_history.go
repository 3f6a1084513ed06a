package cli

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHistory is the number of lines of the history that a prompt offers. The file holds up to twice as many.
const maxHistory = 1000

// maxHistoryLine is the length of the longest line in the history, in bytes.
const maxHistoryLine = 4096

// historyFile returns the path of the history of the consoles of a program: in the folder for the state of programs of
// this user. It returns "" if the user has none.
func historyFile(program string) string {
	var dir string
	switch runtime.GOOS {
	case "windows", "darwin", "ios":
		dir, _ = os.UserConfigDir()
	default:
		if dir = os.Getenv("XDG_STATE_HOME"); !filepath.IsAbs(dir) {
			home, err := os.UserHomeDir()
			if err != nil {
				return ""
			}
			dir = filepath.Join(home, ".local", "state")
		}
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "actionhero", program+".history")
}

// history is the file of the lines that were typed at the prompt. Several consoles may write to it at the same time.
type history struct{ path string }

// read returns the last lines of the file. It shortens a file that has become long. A line that could disturb the terminal
// is left out.
func (h history) read() (lines []string, err error) {
	if h.path == "" {
		return nil, nil
	}
	file, err := os.Open(h.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	n := 0
	for ; in.Scan(); n++ {
		if line := in.Text(); keepInHistory(line) {
			lines = append(lines, line)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	lines = lines[max(0, len(lines)-maxHistory):]
	if n > 2*maxHistory {
		return lines, h.replace(lines)
	}
	return lines, nil
}

// keepInHistory reports whether a line belongs into the history. A line that begins with a space does not, as in a shell.
func keepInHistory(line string) bool {
	return line != "" && len(line) <= maxHistoryLine && line[0] != ' ' && utf8.ValidString(line) && !strings.ContainsFunc(line, isInvisible)
}

// add appends a line to the file, which only its user can read. A file of other users' eyes is closed to them first.
func (h history) add(line string) error {
	if h.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := file.Chmod(0o600); err != nil && runtime.GOOS != "windows" {
		return errors.Join(err, file.Close())
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}

// replace writes a new file with these lines.
func (h history) replace(lines []string) error {
	file, err := os.CreateTemp(filepath.Dir(h.path), ".history-") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Join(lines, "\n") + "\n")
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), h.path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// secret reports whether a line gives a secret input of an action or of a task, so that it must not be written down.
func (c *console) secret(line string) bool {
	words, err := splitLine(line)
	if err != nil || len(words) == 0 {
		return false
	}
	if words, err = c.resolve(c.root(), words); err != nil || len(words) < 2 {
		return false
	}
	var secrets []string
	all, prefix := "--json", "--" // the flag that gives all inputs, and the beginning of one input
	switch name := words[1]; {
	case words[0] == "action" || words[0] == "run":
		if info := c.info(name); info != nil {
			for _, in := range info.Inputs {
				if in.Secret {
					secrets = append(secrets, in.Name)
				}
			}
		}
	case words[0] == "tasks" && name == "enqueue":
		all, prefix = "--params", ""
		for _, info := range c.api.Tasks.Registered() {
			for _, in := range info.Inputs {
				if in.Secret && slices.Contains(words, info.Name) {
					secrets = append(secrets, in.Name)
				}
			}
		}
	}
	if len(secrets) == 0 {
		return false
	}
	for _, word := range words[2:] {
		name, _, _ := strings.Cut(word, "=")
		if name == all || slices.Contains(secrets, strings.TrimPrefix(name, prefix)) {
			return true
		}
	}
	return false
}
