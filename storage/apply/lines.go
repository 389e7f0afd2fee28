package apply

import "fmt"

// PeopleFrom makes a file of people whom a program read from something else that has lines: problems say the line of
// their entry. The error is *Problems with every mistake that shows in the entries alone; the rest is for Apply.
func PeopleFrom(entries []Person, lines []int) (*File, error) {
	f := &File{People: entries, lines: make(map[string]int)}
	for i := range f.People {
		path := fmt.Sprintf("people[%d]", i)
		f.People[i].path, f.lines[path] = path, lines[i]
	}
	problems := new(Problems)
	f.checkForms(checker{problems: problems, lines: f.lines})
	return f, problems.orNil()
}
