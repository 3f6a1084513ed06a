package cli

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
)

// completeTime is how long a completion waits for the server.
const completeTime = 2 * time.Second

// complete returns the words that may stand at the end of a line, ready to follow head, the beginning of the line.
func (c *console) complete(ctx context.Context, line []rune) (head string, words []string) {
	given, last, start := cutLine(line)
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	root := c.root()
	var found []string
	if len(given) == 0 {
		found = beginning(append(namesOf(root), c.actionNames()...), last.text)
		slices.Sort(found)
		found = slices.Compact(found)
	} else if given, err := c.resolve(root, given); err == nil {
		found = completeWith(ctx, root, append(given, last.text))
	}
	for _, word := range found {
		if word = escapeWord(word); !strings.HasSuffix(word, "=") {
			word += " "
		}
		words = append(words, word)
	}
	return string(line[:start]), words
}

// completeWith asks package cobra for the words that may follow. The last line of its answer is no word.
func completeWith(ctx context.Context, root *cobra.Command, words []string) (found []string) {
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd}, words...))
	if root.ExecuteContext(ctx) != nil {
		return nil
	}
	found = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	return found[:len(found)-1]
}

// beginning returns the names that begin with word.
func beginning(names []string, word string) (found []string) {
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			found = append(found, name)
		}
	}
	return found
}

const noFiles = cobra.ShellCompDirectiveNoFileComp

// completeFirst completes the first argument of a command with the names that names returns. A name that cannot be typed
// or that cobra would change is left out.
func completeFirst(args []string, word string, names func() []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return slices.DeleteFunc(beginning(names(), word), func(name string) bool {
		return strings.ContainsFunc(name, isInvisible) || strings.TrimSpace(name) != name
	}), noFiles
}

// completeRoom completes the name of a room.
func (c *console) completeRoom(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return completeFirst(args, word, func() (names []string) {
		list, _ := ask[actionhero.RoomList](cmd.Context(), c, http.MethodGet, target("/rooms", "prefix", word), nil)
		for _, r := range list.Rooms {
			names = append(names, r.Name)
		}
		return names
	})
}

// completeConn completes the id of a connection.
func (c *console) completeConn(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return completeFirst(args, word, func() (ids []string) {
		list, _ := ask[actionhero.ConnList](cmd.Context(), c, http.MethodGet, target("/conns", "prefix", word), nil)
		for _, conn := range list.Conns {
			ids = append(ids, conn.ID)
		}
		return ids
	})
}

// completeKey completes a key of the cache.
func (c *console) completeKey(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return completeFirst(args, word, func() []string {
		list, _ := ask[control.Keys](cmd.Context(), c, http.MethodGet, target("/cache", "prefix", word), nil)
		return list.Keys
	})
}

// completeEnqueue completes the name of a task, and then its inputs.
func (c *console) completeEnqueue(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, info := range c.api.Tasks.Registered() {
		if len(args) == 0 {
			names = append(names, info.Name)
		} else if info.Name == args[0] {
			for _, in := range info.Inputs {
				names = append(names, in.Name+"=")
			}
		}
	}
	return beginning(names, word), noFiles
}

// completeAction completes the name of an action, its flags, and the values of flags that have a list of values.
func (c *console) completeAction(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return beginning(c.actionNames(), word), noFiles
	}
	flags := c.flags(args[0])
	return flags.complete(word, args[1:])
}
