// Reads a file of DHAT's with the viewer's own code, and prints the leaves of its tree as JSON.
//
//     node dhat_points.js dh_view.js FILE
const fs = require("fs");
const vm = require("vm");

const [viewer, file] = process.argv.slice(2);
const page = {document: {}, text: fs.readFileSync(file, "utf8"), leaves: []};
vm.runInNewContext(fs.readFileSync(viewer, "utf8") + `
gData = JSON.parse(text);
gSelect = {childNodes: gSelectData.map(() => ({})), selectedIndex: 0};
buildTree();
function add(node, outer) {
  const frames = outer.concat(node._frames);
  for (const kid of node._kids || []) add(kid, frames);
  if (node._kids) return;
  leaves.push({
    frames: frames.slice(1).map((at) => gData.ftbl[at]),
    total: {bytes: node._totalBytes, blocks: node._totalBlocks},
    at_peak: {bytes: node._atTGmaxBytes, blocks: node._atTGmaxBlocks},
    at_end: {bytes: node._atTEndBytes, blocks: node._atTEndBlocks},
    own_peak: {bytes: node._maxBytes, blocks: node._maxBlocks},
    lifetimes: node._totalLifetimes,
  });
}
add(gRoot, []);
`, page);
console.log(JSON.stringify(page.leaves));
