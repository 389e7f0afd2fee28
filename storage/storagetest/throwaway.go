package storagetest

// Throwaway starts a PostgreSQL server like the tests' for a program that is
// none, and returns the URL of an empty database on it. stop ends the server
// and removes its files; so does the end of the program, however it comes.
func Throwaway() (url string, stop func() error, err error) {
	c, err := startCluster()
	if err != nil {
		return "", nil, err
	}
	return c.url("postgres"), c.stop, nil
}
