// Runs once, when the database is made: a user for each service, with rights on the collections that it needs.
const passwords = JSON.parse(require("fs").readFileSync("/run/secrets/mongodb_users", "utf8"));
const vitrine = db.getSiblingDB("vitrine");
const READ = ["find", "listIndexes", "collStats"];
const WRITE = [...READ, "insert", "update", "remove", "createIndex", "createCollection"];
const RIGHTS = {
  // Writes sessions; sees neither the privacy ledger nor the register of models.
  store: {sessions: WRITE, sessions_synced: WRITE},
  // Learns from sessions, which it cannot change; it deletes those that have expired.
  airflow: {
    sessions: [...READ, "remove"], sessions_synced: READ, retention: WRITE,
    similar_users: [...WRITE, "dropCollection"], model_runs: WRITE, privacy_budget: WRITE, privacy_record: WRITE,
  },
  operator: {sessions: READ, sessions_synced: READ, retention: READ, similar_users: READ, model_runs: READ},
};
for (const [name, collections] of Object.entries(RIGHTS)) {
  const of = ([collection, actions]) => ({resource: {db: "vitrine", collection}, actions});
  const list = {resource: {db: "vitrine", collection: ""}, actions: ["listCollections"]};
  vitrine.createRole({role: name, privileges: [...Object.entries(collections).map(of), list], roles: []});
  vitrine.createUser({user: name, pwd: passwords[name], roles: [{role: name, db: "vitrine"}]});
}
