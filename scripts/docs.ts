// `npm run docs`: writes every generated document and part of a document again.
import { writeCliPages } from "./cli-pages.ts";
import { writeConfigPage } from "./config-page.ts";
import { writeConfigSchema } from "./config-schema.ts";
import { writeRulesTable } from "./rules-table.ts";

writeConfigSchema();
writeConfigPage();
writeCliPages();
writeRulesTable();
