#!/usr/bin/env python3
"""ops/policies/policy.schema.json, by which editors complete and check policies: it takes every
policy that we ship, and refuses what the loader refuses for its shape.

That its keys and words are those of the loader is the matter of tests/authz/schema_test.cc."""
import copy
import json
import pathlib
import re
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
FOLDERS = (ROOT / "ops/policies", ROOT / "tests/authz/data")


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `on` is a word, a date is a text."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", r"true|false", "tf"),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?[0-9]+\.[0-9]*", "-+0123456789"),
        ("null", r"~|null|", ["~", "n", ""])):
    CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


def load(path):
    return yaml.load(path.read_text(), CoreLoader)


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads((ROOT / "ops/policies/policy.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.schema = schema
        cls.validator = jsonschema.Draft202012Validator(schema)
        cls.starter = load(ROOT / "ops/policies/starter.yaml")

    def errors(self, policy):
        return [f"{error.json_path}: {error.message[:200]}"
                for error in self.validator.iter_errors(policy)]

    def changed(self, change):
        policy = copy.deepcopy(self.starter)
        change(policy)
        return self.errors(policy)

    def test_takes_every_policy(self):
        paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))
                 if not path.name.endswith(".values.yaml")]
        self.assertGreaterEqual(len(paths), 6)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(self.errors(load(path)), [])

    def test_refuses_unknown_keys_at_every_depth(self):
        self.assertEqual(self.errors(self.starter), [])
        self.assertTrue(self.changed(lambda policy: policy.update(grantz=[])))
        self.assertTrue(self.changed(lambda policy: policy["grants"][0].update(feilds=[])))
        self.assertTrue(self.changed(
            lambda policy: next(iter(policy["roles"].values())).update(ndas="none")))
        self.assertTrue(self.changed(lambda policy: policy["cases"][0].update(expects="granted")))

    def test_every_map_is_closed(self):
        """A map is closed, or has names for keys, each with a schema of its own."""
        def look(node, path):
            if isinstance(node, dict):
                if node.get("type") == "object":
                    closed = node.get("additionalProperties")
                    self.assertTrue(closed is False or (isinstance(closed, dict) and
                                                        "propertyNames" in node), path)
                for key, value in node.items():
                    look(value, f"{path}/{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    look(value, f"{path}/{index}")
        look(self.schema, "")

    def test_refuses_unknown_words_and_wrong_shapes(self):
        for change in (
                lambda policy: policy["grants"][0].update(may=["reveel"]),
                lambda policy: policy["grants"][0].update(view="blurred"),
                lambda policy: policy["grants"].append("all"),
                lambda policy: policy.pop("roles"),
                lambda policy: policy.update(consent=[
                    {"id": "y", "event": "collection", "when": "at_collection", "under_age": 0}]),
                lambda policy: policy.update(acknowledgement={"document": "abc"}),
                lambda policy: policy.update(
                    acknowledgement={"document": "a" * 64, "from": "2025-04-01"}),
                lambda policy: policy.update(age={"reached": "at_noon"})):
            self.assertTrue(self.changed(change))

    def test_takes_parameters_in_the_place_of_values(self):
        self.assertEqual(self.changed(lambda policy: policy["grants"][0].update(
            may="${may}", fields="${fields}", view="${view}")), [])
        self.assertTrue(self.changed(lambda policy: policy["grants"][0].update(view="${vi ew}")))


if __name__ == "__main__":
    unittest.main()
