"""A plain account of who was given what of whom, and of the notices that follow from it."""

import collections

CHANGED, WITHDRAWN = 1, 2  # CORRECTION_KIND_


def fields_of(notice):
    return dict(zip((field.split(".")[1] for field in notice.fields), notice.held_versions))


class Account:
    """Who was given what, in plain sets: what notices there have to be."""
    FIELDS = ("name", "phone", "address")

    def __init__(self, test, chance):
        self.test, self.vault, self.chance = test, test.vault, chance
        self.values, self.versions, self.serial = {}, {}, 0
        for _ in range(3):
            values = {field: self.new_value(field) for field in self.FIELDS}
            record = self.vault.take_order(**values)
            self.values[record], self.versions[record] = values, 1
        self.held = collections.defaultdict(dict)  # of (recipient, record): version by field
        self.outdated = collections.defaultdict(set)  # of the same: fields
        self.handles, self.notices, self.counts = {}, [], collections.Counter()

    def new_value(self, field):
        self.serial += 1
        return f"02-{self.serial:04}-0000" if field == "phone" else f"見本 {self.serial}"

    def step(self):
        record = self.chance.choice(list(self.values))
        act = self.chance.choices((self.give, self.correct, self.acknowledge), (3, 4, 1))[0]
        act(record)
        self.counts[act.__name__] += 1

    def give(self, record):
        there = [field for field in self.FIELDS if self.values[record].get(field) is not None]
        if not there:
            return
        fields = self.chance.sample(there, self.chance.randint(1, len(there)))
        who = self.chance.choice(("tax-office", "customs", "court"))
        handle, values, version = self.test.give(who, record, *fields)
        self.test.assertEqual(values, {field: self.values[record][field] for field in fields})
        self.test.assertEqual(version, self.versions[record])
        self.test.assertEqual(self.handles.setdefault((who, record), handle), handle)
        for field in fields:
            self.held[who, record][field] = version
        self.outdated[who, record] -= set(fields)

    def correct(self, record):
        now = self.values[record]
        changes = {field: self.chance.choice((now[field], None)) or self.new_value(field)
                   for field in self.chance.sample(self.FIELDS, self.chance.randint(0, 2))}
        clear = [field for field in self.FIELDS if field not in changes and now[field] is not None
                 and self.chance.random() < 0.2]
        if not changes and not clear:
            return
        version = self.vault.correct(record, clear=clear, **changes)
        self.versions[record] += 1
        self.test.assertEqual(version, self.versions[record])
        # Who was told that a value is gone has none: it is not told of another that comes.
        wrong = {CHANGED: {field for field, value in changes.items()
                           if now[field] is not None and value != now[field]},
                 WITHDRAWN: set(clear)}
        for (who, of), held in self.held.items():
            for kind, fields in wrong.items():
                told = {field: held[field] for field in fields if field in held}
                if of == record and told:
                    self.notices.append([who, self.handles[who, of], kind, version, told, False])
                    self.outdated[who, of] |= set(told)
        now.update(changes)
        now.update({field: None for field in clear})

    def acknowledge(self, _):
        who = self.chance.choice(("tax-office", "customs", "court"))
        names = [notice.name for notice in self.vault.notices(who)][:2]
        if not names:
            return
        told = [self.key(notice) for notice in self.vault.acknowledge(who, *names)]
        for notice in self.notices:
            if self.plain(notice)[:-1] in [key[:-1] for key in told]:
                notice[-1] = True

    @staticmethod
    def key(notice):
        return (notice.recipient.rsplit("/", 1)[1], notice.handle, notice.kind, notice.version,
                sorted(fields_of(notice).items()), notice.HasField("acknowledge_time"))

    @staticmethod
    def plain(notice):
        who, handle, kind, version, told, closed = notice
        return who, handle, kind, version, sorted(told.items()), closed

    def compare(self):
        found = sorted(map(self.key, self.vault.notices(show_acknowledged=True)))
        self.test.assertEqual(found, sorted(map(self.plain, self.notices)))
        for record in self.values:
            for disclosure in self.vault.disclosures(record):
                row, = disclosure.records
                who = disclosure.recipient.rsplit("/", 1)[1]
                # What it was given anew since is another row's.
                self.test.assertEqual(sorted(row.outdated_fields), sorted(
                    field for field in row.fields if field in self.outdated[who, record]
                    and self.held[who, record][field] == row.version))
