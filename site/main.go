// Command site renders the documents of the repository as a static site: the README, the folder docs/, and the
// changelog. The pages need no server and send no request to other hosts. A link that leads nowhere is an error.
//
// Begin reading at [Build].
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	root := flag.String("root", "..", "the folder of the repository")
	out := flag.String("out", "../bin/site", "the folder that the site is written to; it is replaced")
	flag.Parse()
	commands, err := Commands(*root)
	if err != nil {
		log.Fatal(err)
	}
	s, err := Build(*root, map[string]string{commandsSource: commands})
	if err != nil {
		log.Fatal(err)
	}
	if err := os.RemoveAll(*out); err != nil {
		log.Fatal(err)
	}
	if err := s.Write(*out); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d pages are in %s: open %s/index.html\n", len(s.Pages), *out, *out)
}
