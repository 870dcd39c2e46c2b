"""A small contact centre for the engine's tests: two domains, five agents, a channel application, an ARM client.

Knows how to say things to an engine in short; must not know what the engine should answer.
"""

from collections.abc import Sequence
from typing import Any, cast

import attrs

from ctigw.config.routing import (
    Agent,
    ApplicationPath,
    ApplicationPathMember,
    Attribute,
    CallType,
    MediaRoutingDomain,
    Peripheral,
    PrecisionQueue,
    PrecisionQueueStep,
    RouterSettings,
    RoutingSettings,
    ScriptSelector,
    SkillGroup,
)
from ctigw.routing import inputs
from ctigw.routing.engine import Engine
from ctigw.routing.events import (
    AgentStateChanged,
)
from ctigw.routing.facts import Event
from ctigw.routing.inputs import DialogueKey, Input, Origin, TaskContext, TaskId, Variable
from ctigw.routing.terms import (
    AgentState,
)

PERIPHERAL = 5000
CHAT, EMAIL = 5001, 5002
PATH = 1
WEB, DESKTOP = 11, 21
"""Session ids of the channel application and of the ARM client."""
START = 1_790_000_000.0
"""The tests' first instant, UTC seconds; in the middle of a day."""

Script = Sequence[dict[str, Any]]

QUEUE_CHAT: Script = ({"op": "queue", "to": ["sg:chat"]},)
QUEUE_EMAIL: Script = ({"op": "queue", "to": ["sg:email"]},)


def settings(
    scripts: dict[str, Script] | None = None,
    *,
    agents: tuple[Agent, ...] | None = None,
    groups: tuple[SkillGroup, ...] = (),
    precision_queues: tuple[PrecisionQueue, ...] = (),
    attributes: tuple[Attribute, ...] = (),
    router: RouterSettings | None = None,
    chat: dict[str, Any] | None = None,
    email: dict[str, Any] | None = None,
) -> RoutingSettings:
    """A site; `scripts` is selector to script: selectors that begin with `e` belong to the email domain."""
    scripts = {"8000": QUEUE_CHAT, "e8000": QUEUE_EMAIL} | (scripts or {})
    own = tuple(
        Agent(id=str(n), skill_target_id=n, peripheral=PERIPHERAL, skill_groups=("chat", "email"))
        for n in range(101, 106)
    )
    chat_domain = attrs.evolve(MediaRoutingDomain(CHAT, "chat", interruptible=False), **chat or {})
    email_domain = attrs.evolve(MediaRoutingDomain(EMAIL, "email", interruptible=True), **email or {})
    return RoutingSettings(
        router=router or RouterSettings(),
        media_routing_domains=(chat_domain, email_domain),
        peripherals=(Peripheral(PERIPHERAL),),
        application_paths=(ApplicationPath(PATH, (ApplicationPathMember(PERIPHERAL, (CHAT, EMAIL)),)),),
        attributes=attributes,
        agents=own if agents is None else agents,
        skill_groups=(SkillGroup("chat", 1, CHAT), SkillGroup("email", 2, EMAIL), *groups),
        precision_queues=precision_queues,
        call_types=tuple(CallType(f"ct_{selector}", tuple(script)) for selector, script in scripts.items()),
        script_selectors=tuple(
            ScriptSelector(selector, EMAIL if selector.startswith("e") else CHAT, f"ct_{selector}")
            for selector in scripts
        ),
    )


def agent(number: int, groups: Sequence[str] = ("chat", "email"), **attributes: bool | int) -> Agent:
    """A configured agent."""
    return Agent(
        id=str(number),
        skill_target_id=number,
        peripheral=PERIPHERAL,
        skill_groups=tuple(groups),
        attributes=attributes,
    )


def steps(*matches: tuple[str, float]) -> tuple[PrecisionQueueStep, ...]:
    """Precision queue steps from (match, wait_s)."""
    return tuple(PrecisionQueueStep(match, wait) for match, wait in matches)


class Site:
    """An engine with its two clients open, and time that only tests move."""

    def __init__(self, site: RoutingSettings | None = None, *, side: str = "A", requeue: bool = False) -> None:
        self.settings = site or settings()
        self.engine = Engine(self.settings, side)
        self.now = START
        self.history: list[tuple[Event, float]] = []
        self.inputs: list[tuple[Input, float]] = []
        self._dialogues = 0
        self._invoke = 0
        self.say(inputs.RoutingClientOpened(WEB, "webchat", requeue))
        self.say(inputs.ArmClientOpened(DESKTOP, PATH))

    def say(self, item: Input, after: float = 0.0) -> list[Event]:
        """Hand one input in, `after` seconds later."""
        self.now += after
        events = self.engine.handle(item, self.now)
        self.inputs.append((item, self.now))
        self.history.extend((event, self.now) for event in events)
        return events

    def pass_time(self, seconds: float) -> list[Event]:
        """Let time pass and the deadlines in it happen, each at its instant, as the driver does."""
        end = self.now + seconds
        events: list[Event] = []
        while (deadline := self.engine.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            events += self.say(inputs.DeadlinesPassed())
        self.now = end
        return events

    def task(self, selector: str = "8000", **changes: Any) -> list[Event]:  # noqa: ANN401 - fields of NewTask
        """A NEW_TASK in a dialogue of its own."""
        self._dialogues += 1
        context = TaskContext(
            selector,
            variables=tuple(changes.pop("variables", ())),
            user_to_user_info=changes.pop("uui", b""),
        )
        dialogue = DialogueKey(changes.pop("session", WEB), changes.pop("dialogue", self._dialogues))
        return self.say(inputs.NewTask(dialogue, context, **changes))

    def cancel(self, dialogue: int, session: int = WEB) -> list[Event]:
        """A CANCEL_TASK."""
        return self.say(inputs.CancelTask(DialogueKey(session, dialogue), 900))

    def report(
        self,
        kind: type[inputs.AgentReport],
        number: int,
        mrd: int = CHAT,
        **fields: Any,  # noqa: ANN401 - fields of the class
    ) -> list[Event]:
        """A report about an agent; `fields` are those of the input class."""
        item = kind(self.origin(fields.pop("session", DESKTOP)), fields.pop("path", PATH), mrd, number, **fields)
        return self.say(cast(Input, item))

    def about(
        self,
        kind: type[inputs.TaskReport],
        number: int,
        task_id: TaskId,
        mrd: int = CHAT,
        **f: Any,  # noqa: ANN401 - fields of the class
    ) -> list[Event]:
        """A report about a task."""
        return self.report(kind, number, mrd, task_id=task_id, **f)

    def origin(self, session: int = DESKTOP) -> Origin:
        """The next invoke id."""
        self._invoke += 1
        return Origin(session, self._invoke)

    def sign_in(
        self,
        *numbers: int,
        mrd: int = CHAT,
        limit: int = 1,
        **fields: Any,  # noqa: ANN401 - fields of the class
    ) -> list[Event]:
        """Agents sign in; they are NOT_READY then."""
        events: list[Event] = []
        for number in numbers:
            events += self.report(inputs.MediaLogin, number, mrd, max_task_limit=limit, **fields)
        return events

    def ready(self, *numbers: int, mrd: int = CHAT, limit: int = 1) -> list[Event]:
        """Agents sign in and become ready and routable."""
        events = self.sign_in(*numbers, mrd=mrd, limit=limit)
        for number in numbers:
            events += self.report(inputs.MakeAgentReady, number, mrd)
        return events

    def state(self, number: int, mrd: int = CHAT) -> AgentState:
        """An agent's state."""
        view = self.engine.agent_view(number, mrd, self.now)
        assert view is not None
        return view.state


def names(events: Sequence[Event]) -> list[str]:
    """Class names, in order."""
    return [type(event).__name__ for event in events]


def public(events: Sequence[Event]) -> list[str]:
    """Class names of what peers may see, in order."""
    return [
        name for event, name in zip(events, names(events), strict=True) if type(event).__module__.endswith("events")
    ]


def only(events: Sequence[Event], kind: type[Any]) -> Any:  # noqa: ANN401 - the test names the class and reads its fields
    """The one event of a class."""
    found = [event for event in events if type(event) is kind]
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {names(events)}"
    return found[0]


def of(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    """Every event of a class."""
    return [event for event in events if type(event) is kind]


def views(events: Sequence[Event]) -> list[tuple[int, int, AgentState, bool]]:
    """Agent, domain, state and mode of every AGENT_STATE change."""
    return [
        (event.view.skill_target_id, event.view.mrd_id, event.view.state, event.view.routable)
        for event in events
        if isinstance(event, AgentStateChanged)
    ]


def variables(**values: str) -> tuple[Variable, ...]:
    """Call variables: `call_1="x"`."""
    return tuple(Variable(name.replace("_", "."), None, value) for name, value in values.items())


def without(value: Any, **changes: Any) -> Any:  # noqa: ANN401 - attrs.evolve's own shape
    """A changed copy."""
    return attrs.evolve(value, **changes)
