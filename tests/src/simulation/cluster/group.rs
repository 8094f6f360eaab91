//! A consumer group: who its members are and which partitions each has.
//!
//! Cooperative: a member keeps what it has until it is told to give something up, and has given it up
//! when it polls again. When nobody has anything left to give, the group has a new generation and
//! partitions without an owner go to their new ones. All partitions of one number go to one member.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use actors::log::{Committed, TopicPartition};

/// A member that has not polled for so long is none any more.
const SESSION: Duration = Duration::from_secs(5);

/// Counts members over time.
pub(in crate::simulation) type MemberId = u64;

/// A group.
#[derive(Default)]
pub(in crate::simulation) struct Group {
    /// Grows with every rebalance that ends; 0 before the first.
    pub(in crate::simulation) generation: u64,
    /// Positions.
    pub(in crate::simulation) committed: BTreeMap<TopicPartition, Committed>,
    members: BTreeMap<MemberId, Member>,
    /// Members that are nobody's, and until when they stay.
    guests: Vec<(MemberId, Duration)>,
    /// When generations ended.
    ended: BTreeMap<u64, Duration>,
    joined: MemberId,
    moving: bool,
    now: Duration,
}

struct Member {
    /// Partitions of the topics that it reads.
    wanted: Vec<TopicPartition>,
    owned: BTreeSet<TopicPartition>,
    /// Told to give up; given up at the next poll.
    giving: BTreeSet<TopicPartition>,
    told: VecDeque<Told>,
    polled: Duration,
}

/// What a member hears at a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulation) enum Told {
    /// These are its own.
    Assigned(Vec<TopicPartition>),
    /// These are to be given up.
    Revoked(Vec<TopicPartition>),
}

impl Group {
    /// A new member.
    pub(in crate::simulation) fn join(
        &mut self,
        wanted: Vec<TopicPartition>,
        now: Duration,
    ) -> MemberId {
        self.now = now;
        self.joined += 1;
        let member = Member {
            wanted,
            owned: BTreeSet::new(),
            giving: BTreeSet::new(),
            told: VecDeque::new(),
            polled: now,
        };
        self.members.insert(self.joined, member);
        self.rebalance();
        self.joined
    }

    /// A member reads other topics from now on.
    pub(in crate::simulation) fn want(&mut self, id: MemberId, wanted: Vec<TopicPartition>) {
        if let Some(member) = self.members.get_mut(&id)
            && member.wanted != wanted
        {
            member.wanted = wanted;
            self.rebalance();
        }
    }

    /// A member goes, by will or because it is thrown out: its partitions are free at once.
    pub(in crate::simulation) fn remove(&mut self, member: MemberId, now: Duration) {
        self.now = now;
        if self.members.remove(&member).is_some() {
            // Its tokens are worth nothing from here on.
            self.next_generation();
            self.rebalance();
        }
    }

    /// A member that does no work and goes again; what it is given rests meanwhile.
    pub(in crate::simulation) fn join_guest(
        &mut self,
        wanted: Vec<TopicPartition>,
        now: Duration,
        until: Duration,
    ) {
        let guest = self.join(wanted, now);
        self.guests.push((guest, until));
    }

    /// Everyone keeps what they have.
    pub(in crate::simulation) fn new_generation(&mut self, now: Duration) {
        self.now = now;
        self.next_generation();
    }

    /// When a generation ended, if it has.
    pub(in crate::simulation) fn ended(&self, generation: u64) -> Option<Duration> {
        // The first has no members: who names it is none.
        self.ended
            .get(&generation)
            .filter(|_| generation > 0)
            .copied()
    }

    fn next_generation(&mut self) {
        self.ended.insert(self.generation, self.now);
        self.generation += 1;
    }

    /// Whether it is a member.
    pub(in crate::simulation) fn has(&self, member: MemberId) -> bool {
        self.members.contains_key(&member)
    }

    /// A member polls: gives up what it was told to, and hears what is new. `None` if it is no member.
    pub(in crate::simulation) fn poll(
        &mut self,
        id: MemberId,
        now: Duration,
    ) -> Option<Option<Told>> {
        self.now = now;
        let member = self.members.get_mut(&id)?;
        member.polled = now;
        let giving = std::mem::take(&mut member.giving);
        if !giving.is_empty() {
            member.owned.retain(|at| !giving.contains(at));
            self.settle();
        }
        let member = self.members.get_mut(&id)?;
        let told = member.told.pop_front();
        if let Some(Told::Revoked(partitions)) = &told {
            member.giving.extend(partitions.iter().cloned());
        }
        Some(told)
    }

    /// Lets time do its work: guests poll and go, members that are silent are gone.
    pub(super) fn expire(&mut self, now: Duration) {
        self.now = now;
        for (guest, until) in std::mem::take(&mut self.guests) {
            if until <= now {
                self.remove(guest, now);
            } else {
                self.poll(guest, now);
                self.guests.push((guest, until));
            }
        }
        let late = |member: &Member| now.saturating_sub(member.polled) > SESSION;
        let members = self.members.iter();
        let gone: Vec<MemberId> = members
            .filter(|(_, member)| late(member))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove(id, now);
        }
    }

    /// Tells members what to give up; the rest follows when they have.
    fn rebalance(&mut self) {
        self.moving = true;
        let target = self.target();
        for (id, member) in &mut self.members {
            let on_the_way = |told: &Told| matches!(told, Told::Revoked(_));
            if !member.giving.is_empty() || member.told.iter().any(on_the_way) {
                // It is giving up already: what else must go is found when that is done.
                continue;
            }
            let goes = |at: &&TopicPartition| target.get(*at) != Some(id);
            let revoked: Vec<TopicPartition> = member.owned.iter().filter(goes).cloned().collect();
            if !revoked.is_empty() {
                member.told.push_back(Told::Revoked(revoked));
            }
        }
        self.settle();
    }

    /// Ends the rebalance if nobody has anything left to give.
    fn settle(&mut self) {
        let busy = |member: &Member| {
            let revoked = |told: &Told| matches!(told, Told::Revoked(_));
            !member.giving.is_empty() || member.told.iter().any(revoked)
        };
        if !self.moving || self.members.values().any(busy) {
            return;
        }
        let target = self.target();
        let misplaced = self.members.iter().any(|(id, member)| {
            let mut owned = member.owned.iter();
            owned.any(|at| target.get(at) != Some(id))
        });
        if misplaced {
            // Members came or went meanwhile.
            return self.rebalance();
        }
        self.moving = false;
        self.next_generation();
        for (at, owner) in target {
            let Some(member) = self.members.get_mut(&owner) else {
                continue;
            };
            if member.owned.insert(at.clone()) {
                match member.told.back_mut() {
                    Some(Told::Assigned(partitions)) => partitions.push(at),
                    _ => member.told.push_back(Told::Assigned(vec![at])),
                }
            }
        }
    }

    /// Who is to have which partition.
    fn target(&self) -> BTreeMap<TopicPartition, MemberId> {
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        let wanted = self.members.values().flat_map(|member| &member.wanted);
        wanted
            .map(|at| (at.clone(), ids[at.partition as usize % ids.len()]))
            .collect()
    }
}
