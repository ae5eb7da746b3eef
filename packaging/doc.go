// Package packaging is how the pump is shipped. It has the tests that hold the
// description of the packages to the tree; no package imports it.
//
//	packaging/artifacts     builds everything into dist/ (make release-artifacts, deb, rpm)
//	packaging/nfpm.yaml     what goes where in a package
//	packaging/deb/          scripts of the Debian package, its copyright, lintian's overrides
//	packaging/rpm/          scripts of the RPM package
//	packaging/reproduce     builds everything again, and compares (make reproduce)
//	packaging/tools.mod     the tools, pinned
//	packaging/changelog     reads CHANGELOG.md
//	packaging/licences      finds the licences of what is linked in
//	packaging/prepare       the command that joins these two
package packaging
