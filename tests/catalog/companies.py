"""A small company with every kind of owner."""

PARTS = [
    "{kind: Group, metadata: {name: checkout}, spec: {type: team, children: []}}",
    "{kind: Group, metadata: {name: ghosts}, spec: {type: team, children: []}}",
    "{kind: Group, metadata: {name: payments}, spec: {type: team, children: [], members: [ines]}}",
    "{kind: User, metadata: {name: mira}, spec: {memberOf: [checkout]}}",
    "{kind: User, metadata: {name: ines}, spec: {memberOf: [payments]}}",
    "{kind: User, metadata: {name: ruben}, spec: {memberOf: [ghosts]}}",
    "{kind: Domain, metadata: {name: commerce, title: Commerce}, spec: {owner: payments}}",
    "{kind: System, metadata: {name: plain}, spec: {owner: x, domain: commerce}}",
    "{kind: System, metadata: {name: lost}, spec: {owner: x}}",
    "{kind: Resource, metadata: {name: cart-cache}, spec: {type: redis, owner: checkout}}",
    "{kind: API, metadata: {name: cart-api},"
    " spec: {type: openapi, lifecycle: production, owner: checkout, definition: 'openapi: 3.1.0'}}",
]
COMPONENTS = {
    "cart": "owner: checkout, dependsOn: ['resource:cart-cach']",
    "loyalty": "owner: 'user:ruben'",
    "ghostly": "owner: ghosts, dependsOn: ['resource:cart-cach']",
    "typo": "owner: chekout",
    "bare": "owner: x, system: plain",
}
PARTS += [
    f"{{kind: Component, metadata: {{name: {name}}}, spec: {{type: service, lifecycle: production, {said}}}}}"
    for name, said in COMPONENTS.items()
]
COMPANY = "\n---\n".join(f"{{apiVersion: backstage.io/v1alpha1, {part[1:]}" for part in PARTS)


def document(kind: str, name: str, spec: str) -> str:
    """A descriptor in one line."""
    head = "apiVersion: backstage.io/v1alpha1, kind: " + kind
    return f"{{{head}, metadata: {{name: {name}}}, spec: {{{spec}}}}}"
