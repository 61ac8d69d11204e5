// One JSON line in ({id, file}), one JSON line out ({id, report} or {id, error}). Reads only below the file's folder.
const validator = require('gltf-validator');
const fs = require('fs');
const path = require('path');
const readline = require('readline');

async function validate({id, file, maxIssues = 100}) {
  const root = fs.realpathSync(path.dirname(file)) + path.sep;
  const read = (uri) => new Promise((resolve, reject) => {
    try {
      const wanted = fs.realpathSync(path.join(root, decodeURIComponent(uri)));
      if (!wanted.startsWith(root)) throw new Error('outside the private folder');
      resolve(new Uint8Array(fs.readFileSync(wanted)));
    } catch (error) {
      reject(String(error));
    }
  });
  try {
    const bytes = new Uint8Array(fs.readFileSync(file));
    const report = await validator.validateBytes(bytes, {uri: 'asset', maxIssues, externalResourceFunction: read});
    delete report.info;
    return {id, report};
  } catch (error) {
    return {id, error: String(error)}; // "could not detect glTF format" arrives here, not as a report
  }
}

(async () => {
  process.stdout.write(JSON.stringify({ready: validator.version()}) + '\n');
  for await (const line of readline.createInterface({input: process.stdin})) {
    process.stdout.write(JSON.stringify(await validate(JSON.parse(line))) + '\n');
  }
})();
