import "./security.mjs";
import "./pages.mjs";
import { runAll } from "./support.mjs";

await runAll(process.argv[2]);
